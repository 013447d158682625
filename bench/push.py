"""What push.c does, by the Python package."""

import sys
import time

import koc

context = koc.Context()
client = koc.Client(context, docker_auth=False)
start = time.perf_counter()
for n in range(100):
    koc.build_image(
        files={"/app": b"program %d" % n},
        entrypoint=["/app"],
        targets=[f"{sys.argv[1]}:{n}"],
        context=context,
        client=client,
    )
print(time.perf_counter() - start)
