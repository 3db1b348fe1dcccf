// The public surface of @syndikit/storage-postgres. A list of exports and nothing else.

export {}
