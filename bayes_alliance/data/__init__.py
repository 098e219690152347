"""The coded tables: their schema, how they are read and checked, how they are built."""

from bayes_alliance.data.load import Data as Data
from bayes_alliance.data.load import load as load
