// Elements and numbers in words. Text of the data reaches the page through textContent only.

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function signed(value) {
  if (value === null) return "undefined";
  return (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value);
}

function share(value) {
  return Math.round(100 * value) + "\u00a0%";
}

function hundredth(value) {
  return value === null ? "undefined" : value.toFixed(2).replace("-", "−");
}

// An element below closed details is not there for anyone who follows a link to it.
function unfold(element) {
  for (let around = element.closest("details"); around; around = around.parentElement.closest("details")) {
    around.open = true;
  }
}
