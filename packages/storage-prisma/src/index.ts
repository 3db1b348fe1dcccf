// The public surface of @syndikit/storage-prisma. A list of exports and nothing else.

export {}
