"""`python -m config.healthcheck`: whether the web process of this container answers."""

import os
import urllib.request


def main() -> None:
    """Ask under a name that the service answers to. What is wrong comes out as an exception, and so as an exit code."""
    name = os.environ["ALLOWED_HOSTS"].split(",")[0].removeprefix(".")
    address = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/health/live"
    urllib.request.urlopen(urllib.request.Request(address, headers={"Host": name}), timeout=4).close()


if __name__ == "__main__":
    main()
