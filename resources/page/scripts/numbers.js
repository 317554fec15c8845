// Attributions as the page holds them (distillens/report/short_numbers.py), and shares of a text's attribution.

const LARGEST_STEP = 32767;

// As precise as the steps are, and no more: four digits of the largest.
function unpack(text, largest) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const steps = new DataView(bytes.buffer);
  const unit = largest ? 10 ** Math.floor(Math.log10(largest)) / 1000 : 1;
  return Array.from({ length: bytes.length / 2 }, (_, place) => {
    const step = steps.getInt16(2 * place, true);
    if (step < -LARGEST_STEP) return null;
    return Number((Math.round((step / LARGEST_STEP) * largest / unit) * unit).toPrecision(3));
  });
}

// The words' attributions to the class at a place; to the only one that there is, if the teacher predicts it.
function valuesOf(cell, place, explained) {
  const none = (values) => values.map(() => null);
  const of = (at) => unpack(cell.v[at], cell.m[at]);
  if (cell.v.length === 1) return place === explained ? of(0) : none(of(0));
  if (cell.v[place]) return of(place);
  const mirrored = cell.v.findIndex((text) => text !== null);
  // Of two classes that mirror each other one is stored.
  return cell.v[place] === null ? of(mirrored).map((value) => value === null ? null : -value) : none(of(mirrored));
}

function largestOf(values) {
  return Math.max(...values.map((value) => Math.abs(value ?? 0)), 1e-300);
}

// Signed shares of a text's attribution; undefined where one is missing, or all are zero.
function sharesOf(values) {
  const total = values.reduce((sum, value) => sum + Math.abs(value ?? 0), 0);
  return values.map((value) => (values.includes(null) || !total ? null : value / total));
}
