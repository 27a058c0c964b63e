"""Shared convolutions, BatchNorm and head for each domain (the paper's 'Multi-BN', its best), on the eight sources.

Command   lin-ft zoo train configs/zoo_multi_bn.py --out zoo
Expected  eight entries SOURCE-multi_bn; test accuracy within a point of the single-domain models but for CIFAR-10 (.68
          for .89) and Fashion-MNIST (.88 for .92): a domain sees 96,000 images, where those saw 3.7 and .42 million
Hardware  one CPU core, shared with other work: 6,000 steps of 8 x 16 images, 105 minutes
"""

import runpy
from pathlib import Path

from lin_ft.zoo.multi_domain import MultiDomainRecipe

DOMAINS = runpy.run_path(str(Path(__file__).with_name("zoo_shared.py")))["DOMAINS"]
config = MultiDomainRecipe(family="multi_bn", domains=DOMAINS)
