// The five ways in which the module reaches the page. Whatever throws there is taken as not there: the page may
// have replaced or removed anything, and none of it may throw through the module.

export function get(object, name) {
  try {
    return object[name];
  } catch {}
}

export const item = get;

export function call(object, name, a, b, c) {
  try {
    return object[name](a, b, c);
  } catch {}
}

export function make(name, a, b) {
  try {
    return new globalThis[name](a, b);
  } catch {}
}

export function with_(object, name, value) {
  return { ...object, [name]: value };
}
