"""What runs in pods: one small program an image, over the real API with the pod's own service account."""
