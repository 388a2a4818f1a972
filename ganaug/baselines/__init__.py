"""Other families of data generation, on the same codecs and under the same contract: to compare, to teach.

=====================  =====================================================================
`IndependentColumns`   every column from its own values, as if no other were there
`Bootstrap`            rows of the training table again
`SmoteSynthesizer`     between a row and one of its neighbours
`Autoencoder`          latents drawn from what an autoencoder made of the rows, and decoded
`VAE`                  a variational autoencoder
`RNN`                  column after column in the table's order, by a recurrent network
=====================  =====================================================================

They take no conditions but labels. `ganaug.GANSynthesizer` is what they are there to be measured against.
"""

from ganaug.baselines.autoencoder import Autoencoder
from ganaug.baselines.bootstrap import Bootstrap
from ganaug.baselines.independent import IndependentColumns
from ganaug.baselines.rnn import RNN
from ganaug.baselines.smote import SmoteSynthesizer
from ganaug.baselines.vae import VAE

__all__ = ["RNN", "VAE", "Autoencoder", "Bootstrap", "IndependentColumns", "SmoteSynthesizer"]
