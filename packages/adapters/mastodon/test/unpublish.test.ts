import { describe, expect, it } from 'vitest'
import { sceneOf } from './scene.ts'

const deletions = (requests: readonly Request[]) => requests.filter(({ method }) => method === 'DELETE').map(({ url }) => url.split('/').at(-1))

describe('a removal on Mastodon', () => {
  it('takes a thread away from its end, so that nothing is left that answers what is gone', async () => {
    const scene = await sceneOf()
    const { id, parts } = await scene.publish({ text: 'First', thread: [{ text: 'Second' }, { text: 'Third' }] })
    expect((await scene.unpublish(id)).state).toBe('published')
    expect(deletions(scene.sent)).toEqual(parts.map(({ id }) => id).toReversed())
    expect(scene.texts()).toEqual([])
  })

  it('believes only the server itself that a status is gone, and no gateway before it', async () => {
    let down = true
    const scene = await sceneOf({
      between: async (request, platform) => (request.method === 'DELETE' && down ? new Response('<html>Not found</html>', { status: 404 }) : platform(request)),
    })
    const { id } = await scene.publish({ text: 'First' })
    const removal = await scene.scheduleUnpublish(id)
    await scene.work(0)
    expect([(await scene.delivery(removal)).state, scene.texts()]).toEqual(['scheduled', ['First']])
    down = false
    await scene.work()
    expect([(await scene.delivery(removal)).state, scene.texts()]).toEqual(['published', []])
  })

  it('of more than the 30 that Mastodon lets go in half an hour waits by itself, before it is refused', async () => {
    const statuses: number[] = []
    const scene = await sceneOf({
      between: async (request, platform) => {
        const reply = await platform(request)
        statuses.push(reply.status)
        return reply
      },
    })
    const { id } = await scene.publish({ text: '0', thread: Array.from({ length: 31 }, (_, i) => ({ text: `${i + 1}` })) })
    expect((await scene.unpublish(id)).state).toBe('published')
    expect([deletions(scene.sent).length, scene.texts(), statuses.includes(429)]).toEqual([32, [], false])
  })
})
