// The public surface of @syndikit/queue-bullmq. A list of exports and nothing else.

export {}
