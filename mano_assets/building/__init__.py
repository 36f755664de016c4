"""How a hand is made: the free one from sampled people, or one of the licensed files."""
