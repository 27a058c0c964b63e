"""One trunk with a head for each domain, on all eight sources of the embedded zoo.

Command   lin-ft zoo train configs/zoo_shared.py --out zoo
Expected  eight entries SOURCE-shared. In the paper this lost 10 to 55 points to its experts; here test accuracy is
          within a point of multi_bn's but for CIFAR-10 (.64 for .68) and Fashion-MNIST (.86 for .88)
Hardware  one CPU core, shared with other work: 6,000 steps of 8 x 16 images, 96 minutes
"""

from lin_ft.zoo.multi_domain import Domain, MultiDomainRecipe

DOMAINS = (
    Domain("cifar10", "photographs of objects", "research use", flip=True),
    Domain("fashion_mnist", "product photographs, grey", "MIT", flip=True),
    Domain("mnist_10k", "handwritten digits", "MIT"),
    Domain("latin_glyphs", "typeset glyphs", "OFL and other free font licences"),
    Domain("cyrillic_glyphs", "typeset glyphs", "OFL and other free font licences"),
    Domain("animal_silhouettes", "silhouettes", "MIT", flip=True),
    Domain("pendigits", "pen strokes", "UCI, research use"),
    Domain("speech_spectrograms", "speech spectrograms", "CC BY-SA 3.0"),
)
config = MultiDomainRecipe(family="shared", domains=DOMAINS)
