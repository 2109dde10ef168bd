// The matrix of skills by keyboard: arrows and Enter move, a digit replaces, the colour follows the level.

function cells(table) {
  return [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("input")]);
}

function place(grid, input) {
  const row = grid.findIndex((line) => line.includes(input));
  return [row, row < 0 ? -1 : grid[row].indexOf(input)];
}

const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

for (const table of document.querySelectorAll("[data-matrix]")) {
  table.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step || !(event.target instanceof HTMLInputElement)) return;
    const grid = cells(table);
    const [row, column] = place(grid, event.target);
    const next = grid[row + step[0]]?.[column + step[1]];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  table.addEventListener("focusin", (event) => {
    if (event.target instanceof HTMLInputElement) event.target.select();
  });
  table.addEventListener("input", (event) => {
    event.target.dataset.level = event.target.value;
  });
}
