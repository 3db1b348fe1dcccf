// What runs in the reader's browser: new posts come in by themselves, and what is being read, opened or played stays as it is.

const times = `
const feed = document.getElementById('feed')
let ahead = Number(feed.dataset.now) - Date.now()
const words = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const units = [['day', 86400000], ['hour', 3600000], ['minute', 60000]]
const relative = (at) => {
  const distance = at - Date.now() - ahead
  const unit = units.find(([, ms]) => Math.abs(distance) >= ms)
  return unit ? words.format(Math.trunc(distance / unit[1]), unit[0]) : 'now'
}
const tell = () => {
  for (const time of feed.querySelectorAll('time')) {
    const at = Number(time.dataset.at)
    const text = time.dataset.as === 'relative' ? relative(at) : full.format(at)
    if (time.textContent !== text) time.textContent = text
    time.title = time.dataset.as === 'relative' ? full.format(at) : new Date(at).toISOString()
  }
}`

const merge = `
const merge = (old, fresh) => {
  const kept = new Map([...old.children].map((child) => [child.dataset.key, child]))
  let place = old.firstElementChild
  for (const next of [...fresh.children]) {
    let child = kept.get(next.dataset.key)
    kept.delete(next.dataset.key)
    if (child && 'deep' in child.dataset) merge(child, next)
    else if (child && child.dataset.rev !== next.dataset.rev) {
      if (place === child) place = child.nextElementSibling
      const open = [...child.querySelectorAll('details[data-keep]')].map((details) => details.open)
      next.querySelectorAll('details[data-keep]').forEach((details, at) => { details.open = open[at] ?? false })
      child.remove()
      child = undefined
    }
    if (child && child === place) place = place.nextElementSibling
    else {
      if (!child) for (const post of next.matches('.post') ? [next] : next.querySelectorAll('.post')) post.classList.add('fresh')
      old.insertBefore(child ?? next, place)
    }
  }
  for (const child of kept.values()) child.remove()
}
const anchored = (change) => {
  const post = scrollY > 0 && [...feed.querySelectorAll('.post')].find((one) => one.getBoundingClientRect().bottom > 0)
  const before = post && post.getBoundingClientRect().top
  change()
  if (post && post.isConnected) scrollBy(0, post.getBoundingClientRect().top - before)
}`

const refresh = `
const live = document.getElementById('live')
const liveText = document.getElementById('live-text')
const say = (text, lost) => {
  if (liveText.textContent !== text) liveText.textContent = text
  live.classList.toggle('lost', lost)
}
let tag = ''
const look = async () => {
  const reply = await fetch('/_sandbox/feed' + location.search, { cache: 'no-store', headers: tag ? { 'if-none-match': tag } : {} })
  if (reply.status === 304) return
  if (!reply.ok) throw new Error('status ' + reply.status)
  tag = reply.headers.get('etag')
  const parsed = new DOMParser().parseFromString(await reply.text(), 'text/html').getElementById('feed')
  ahead = Number(parsed.dataset.now) - Date.now()
  anchored(() => merge(feed, parsed))
  const more = Number(parsed.dataset.count) - Number(feed.dataset.count)
  feed.dataset.count = parsed.dataset.count
  return more > 0 ? more + (more === 1 ? ' new post' : ' new posts') : undefined
}
const pass = async () => {
  try {
    const news = document.hidden ? undefined : await look()
    if (news) { say(news, false); setTimeout(() => say('Live', false), 4000) }
    else if (live.classList.contains('lost')) say('Live', false)
    tell()
  } catch { say('Not connected', true) }
  setTimeout(pass, 2000)
}
tell()
setTimeout(pass, 2000)`

/** Goes into the page as it is; the content policy allows it by its hash. */
export const script = `${times}\n${merge}\n${refresh}\n`
