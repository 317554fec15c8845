// The address says what the viewer shows: what it does not say is the first choice.

const ANCHOR = "#sentences?";
const DEFAULTS = { class: "", sort: "beyond", show: "all", label: "", q: "", seeds: "", others: "" };

function stateOf(address) {
  const query = address.startsWith(ANCHOR) ? address.slice(ANCHOR.length) : "";
  return { ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(query)) };
}

function addressOf(state) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (value && value !== DEFAULTS[key]) query.set(key, value);
  }
  return ANCHOR + query;
}
