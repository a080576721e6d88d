"use strict";
// Before anything is painted: scripts are on, and the reader's last choice of light or dark.
document.documentElement.classList.add("scripted");
try {
  const theme = localStorage.getItem("leadline-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is closed to this page; the system's choice stands */ }
