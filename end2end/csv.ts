// Reads CSV as RFC 4180 writes it: what a spreadsheet would have in its cells.

/** The rows under the header, each by column title. */
export function parseCsv(text: string): Record<string, string>[] {
  const [head = [], ...rows] = cells(text);
  return rows.map((row) => {
    if (row.length !== head.length) {
      throw new Error(`a row has ${row.length} cells, the header ${head.length}: ${row.join(" | ")}`);
    }
    return Object.fromEntries(head.map((title, i) => [title, row[i] ?? ""]));
  });
}

function cells(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') {
        cell += c;
      } else if (text[i + 1] === '"') {
        cell += '"';
        i += 1;
      } else {
        quoted = false;
      }
    } else if (c === '"') {
      quoted = true;
    } else if (c === ",") {
      row.push(cell);
      cell = "";
    } else if (c === "\r" && text[i + 1] === "\n") {
      rows.push([...row, cell]);
      row = [];
      cell = "";
      i += 1;
    } else {
      cell += c;
    }
  }
  if (quoted || cell !== "" || row.length > 0) {
    throw new Error("the CSV ends in the middle of a row");
  }
  return rows;
}
