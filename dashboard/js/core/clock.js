// The server's clock. Job times come from there, and "3 s ago" must not depend on a laptop's clock.
let skew = 0;

// Learnt from the Date header, which knows whole seconds only: small differences are no news.
export function learn(header) {
  const server = Date.parse(header ?? '');
  if (Number.isNaN(server)) return;
  const difference = server + 500 - Date.now();
  skew = Math.abs(difference) > 2000 ? difference : 0;
}

export const now = () => Date.now() + skew;
