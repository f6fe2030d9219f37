// The page that all trackers are put on: a short thread of a forum, with what each tracker's own markup asks for.
const posts = Array.from(
  { length: 8 },
  (_, post) => `
    <article id="post-${post}" data-track-view="post_view" data-track-post-id="${post}">
      <h2><a href="#post-${post}">Post ${post}</a></h2>
      <p>${"What somebody wrote about something, in a few words. ".repeat(4)}</p>
    </article>`,
).join("");

/**
 * The page's HTML, with what a tracker wants in the head. `bench.started(when)` is told when the tracker says that
 * it is ready; the moment is marked for the trace.
 */
export const pageOf = (head) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <link rel="icon" href="data:," />
    <title>A thread</title>
    <script>
      window.bench = {};
      bench.ready = new Promise((resolve) => (bench.started = resolve)).then((runs) => {
        performance.mark("bench:ready");
        return runs ?? true;
      });
      performance.mark("bench:begin");
    </script>
    ${head}
  </head>
  <body>
    <h1>A thread</h1>
    <p><button id="like" data-track="like" data-track-post-id="42" data-umami-event="like">Like</button></p>
    ${posts}
  </body>
</html>
`;
