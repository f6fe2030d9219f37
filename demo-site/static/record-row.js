// One accepted event as a line of the panel, with the whole record behind it. Only text is written, never markup.

const SHOWN = 4
/** What the SDK reads off an element by itself. */
const OF_ELEMENT = ['text', 'href', 'tag', 'id', 'role']
const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** The list item for a record; `fresh` lets it light up once. */
export function rowOf(record, fresh = false) {
  const name = record.event ?? record.type
  const row = element('li', { className: fresh ? 'live-event fresh' : 'live-event' })
  row.dataset.event = name
  row.dataset.eventId = record.event_id
  const details = element('details')
  const summary = element('summary')
  summary.append(
    element('time', { textContent: time.format(record.timestamp), dateTime: new Date(record.timestamp).toISOString() }),
    element('strong', { textContent: name, className: `kind-${kind(record)}` }),
    chips(record),
  )
  details.append(summary)
  // The record is written out when somebody asks for it.
  details.addEventListener(
    'toggle',
    () => details.append(element('pre', { textContent: JSON.stringify(record, null, 2), tabIndex: 0 })),
    { once: true },
  )
  row.append(details)
  return row
}

function kind({ type, event }) {
  if (type !== 'track') return type
  if (event === 'post_card' || event === 'element_view') return 'view'
  return 'track'
}

function chips({ properties, page, user_id, client }) {
  const all = Object.entries(properties ?? {}).filter(([, value]) => value !== null && value !== '')
  // What the site itself says about an event comes first.
  all.sort(([a], [b]) => OF_ELEMENT.includes(a) - OF_ELEMENT.includes(b))
  if (!all.length && page?.path) all.push(['path', page.path])
  if (!all.length && user_id) all.push(['user', user_id])
  const line = element('span', { className: 'chips' })
  for (const [key, value] of all.slice(0, SHOWN)) {
    const chip = element('span', { className: 'chip' })
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
    chip.append(element('i', { textContent: key }), ` ${text}`)
    line.append(chip)
  }
  // Where the server has a database that knows the address; one's own machine is nowhere.
  const country = client?.country
  if (country) line.append(element('span', { className: 'chip country', title: 'country of the address', textContent: country }))
  if (all.length > SHOWN) line.append(element('span', { className: 'chip more', textContent: `+${all.length - SHOWN}` }))
  return line
}

function element(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties)
}
