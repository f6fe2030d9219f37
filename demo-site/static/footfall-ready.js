// Waits for the script tag of Footfall, whatever becomes of it.

/** `window.footfall` once its script has run; `null` where it was blocked or could not be loaded. */
export const footfall = new Promise((resolve) => {
  const tag = document.querySelector('script[data-key]')
  tag?.addEventListener('load', settle)
  tag?.addEventListener('error', settle)
  // The tag may have failed before this ran. An async script holds back the page's own load event,
  // so at that point the question is decided.
  if (document.readyState === 'complete' || window.footfall) settle()
  else addEventListener('load', settle)

  function settle() {
    resolve(window.footfall ?? null)
  }
})
