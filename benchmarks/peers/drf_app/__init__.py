"""A peer: the usual Django REST framework, with model viewsets and simplejwt, under gunicorn."""
