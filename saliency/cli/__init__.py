"""Commands, spelt as DNNBrain spells them."""
