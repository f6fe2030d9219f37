// Forms with data-replace="#part" are sent in the background, and that part of the page is taken from the answer.
// The answer is the very page that a browser without script would have loaded.

document.addEventListener('submit', (event) => {
  const form = event.target.closest('form[data-replace]')
  if (!form) return
  event.preventDefault()
  if (!form.hasAttribute('aria-busy')) void send(form)
})

async function send(form) {
  form.setAttribute('aria-busy', 'true')
  const position = [...document.forms].indexOf(form)
  try {
    const answer = await fetch(form.action, {
      method: 'POST',
      body: new URLSearchParams(new FormData(form)),
      signal: AbortSignal.timeout(15_000),
    })
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    const part = page.querySelector(form.dataset.replace)
    if (part) {
      document.querySelector(form.dataset.replace).replaceWith(part)
      refocus(part, position)
      return
    }
    const reason = page.querySelector('.refusal')?.textContent
    explain(form, reason ?? `The forum answered ${answer.status}.`, answer.status === 401)
  } catch {
    explain(form, 'The forum could not be reached. Nothing was sent; please try again.')
  } finally {
    form.removeAttribute('aria-busy')
  }
}

/** The button that was pressed is gone with the old part: the keyboard goes on where it was. */
function refocus(part, position) {
  if (part.querySelector('.problem')) part.querySelector('textarea').focus()
  else if (document.forms[position] && part.contains(document.forms[position])) {
    document.forms[position].querySelector('button').focus({ preventScroll: true })
  }
}

function explain(form, reason, login = false) {
  const place = form.closest(form.dataset.replace)
  place.querySelector('.problem')?.remove()
  const problem = Object.assign(document.createElement('p'), { className: 'problem', textContent: `${reason} ` })
  problem.setAttribute('role', 'alert')
  if (login) {
    const href = `/login?next=${encodeURIComponent(location.pathname)}`
    problem.append(Object.assign(document.createElement('a'), { href, textContent: 'Log in' }))
  }
  place.append(problem)
}
