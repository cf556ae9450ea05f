"""Every attack by its name."""

from hostile.attacks import bodies, frames, inboxes, joining, reading, subscribed, together, unread, urls

ATTACKS = {
    "nothing": joining.nothing,
    "joining": joining.joining,
    "subscribed": subscribed.subscribed,
    "reading": reading.reading,
    "same-id": reading.same_id,
    "unread-pages-h2": unread.unread_pages_h2,
    "unread-streams-h2": unread.unread_streams_h2,
    "unread-pages-h1": unread.unread_pages_h1,
    "stalled-alike": unread.stalled_alike,
    "stalled-apart": unread.stalled_apart,
    "stalled-different": unread.stalled_different,
    "bodies-stopped": bodies.stopped,
    "bodies-dripping": bodies.dripping,
    "together": together.together,
    "urls": urls.urls,
    "inboxes": inboxes.inboxes,
    "http2": frames.floods,
}
