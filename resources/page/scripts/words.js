// Words of a text, coloured by one number each.

// In classes of colour: what speaks for or against, and what is more or less in a difference.
const TONES = { attribution: ["pos", "neg"], difference: ["more", "less"] };

function coloured(pieces, values, largest, tone, hint) {
  const block = make("div", "words");
  let position = 0;
  for (const part of pieces) {
    const line = make("p");
    line.dir = "auto";
    part.forEach((piece, index) => {
      if (index % 2 === 0) return line.append(piece);
      const value = values[position] ?? null;
      const level = Math.min(9, Math.round((9 * Math.abs(value ?? 0)) / largest));
      const word = make("span", "w" + (level ? ` ${TONES[tone][value > 0 ? 0 : 1]} l${level}` : ""), piece);
      word.title = hint(value);
      word.dataset.word = position++;
      line.append(word);
    });
    block.append(line);
  }
  return block;
}

function pointsOf(value) {
  return value === null ? "undefined" : `${signed(Number((100 * value).toFixed(1)))} points`;
}
