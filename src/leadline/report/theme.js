"use strict";
// Before anything is painted: scripts are on, and the reader's last choice of light or dark.
document.documentElement.classList.add("scripted");
try {
  const theme = localStorage.getItem("leadline-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is closed to this page; the system's choice stands */ }
addEventListener("DOMContentLoaded", () => {
  const theme = document.getElementById("theme");
  const dark = () => {
    const { theme: set } = document.documentElement.dataset;
    return set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const name = () => (theme.textContent = dark() ? "Light" : "Dark");
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("leadline-theme", document.documentElement.dataset.theme); } catch { /* not kept */ }
    name();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
});
