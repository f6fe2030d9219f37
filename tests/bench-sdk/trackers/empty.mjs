// The page without a tracker, which everything is compared with.
export const empty = {
  id: "empty",
  name: "no tracker",
  files: () => ({}),
  head: () => "<script>bench.track = () => {}; bench.started();</script>",
  events: () => [],
};
