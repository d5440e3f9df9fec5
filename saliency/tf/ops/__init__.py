"""Operations and graph algorithms that both TensorFlow adapters use."""
