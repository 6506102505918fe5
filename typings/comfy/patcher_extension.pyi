class WrappersMP:
    SAMPLER_SAMPLE: str
    PREDICT_NOISE: str
    APPLY_MODEL: str
