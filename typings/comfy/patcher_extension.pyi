class WrappersMP:
    OUTER_SAMPLE: str
