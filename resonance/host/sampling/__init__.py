"""The one place that owns a sampling run: finds what the conditionings carry, lets it act, takes it off again."""
