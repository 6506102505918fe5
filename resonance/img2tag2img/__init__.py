"""img2tag2img's own job: its workflows, its configurations, its folders."""
