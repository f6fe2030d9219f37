"""Sends one of each call with Segment's own client: send.py URL WRITE_KEY PREFIX, which their ids begin with."""

import datetime
import sys

from segment.analytics.client import Client


def told(error, batch):
    print(error, file=sys.stderr)
    failures.append(error)


failures = []
prefix = sys.argv[3]
client = Client(sys.argv[2], host=sys.argv[1], on_error=told, gzip=True, upload_interval=0.1)
visitor = {
    "locale": "de-AT",
    "timezone": "Europe/Vienna",
    "ip": "203.0.113.9",
    "userAgent": "Visitor/1",
    "page": {"url": "https://shop.example/cart", "path": "/cart"},
    "campaign": {"name": "spring", "source": "mail"},
}
at = datetime.datetime(2026, 11, 23, 18, 34, 36, 500000, tzinfo=datetime.timezone.utc)
client.track("u1", "Order Completed", {"total": 12.5}, visitor, at, "a1", message_id=f"{prefix}-track")
client.page("u1", None, "Home", {"url": "https://shop.example/"}, message_id=f"{prefix}-page")
client.screen("u1", None, "Main", message_id=f"{prefix}-screen")
client.identify("u1", {"plan": "pro"}, message_id=f"{prefix}-identify")
client.group("u1", "g1", {"seats": 5}, message_id=f"{prefix}-group")
client.alias("a1", "u1", message_id=f"{prefix}-alias")
client.flush()
client.join()
sys.exit(1 if failures else 0)
