// Colours before the first paint: a classic script, so that a dark wall never flashes white. The button is wired in main.js.
"use strict";
try {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden: then the system's choice holds.
}
