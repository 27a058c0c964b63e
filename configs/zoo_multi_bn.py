"""Shared convolutions, BatchNorm and head for each domain (the paper's 'Multi-BN', its best), on the eight sources.

Command   lin-ft zoo train configs/zoo_multi_bn.py --out zoo
Expected  eight entries SOURCE-multi_bn, within a few points of the single-domain models
Hardware  one CPU core: 6,000 steps of 8 x 16 images, about 70 minutes (not run yet)
"""

import runpy
from pathlib import Path

from lin_ft.zoo.multi_domain import MultiDomainRecipe

DOMAINS = runpy.run_path(str(Path(__file__).with_name("zoo_shared.py")))["DOMAINS"]
config = MultiDomainRecipe(family="multi_bn", domains=DOMAINS)
