// Loaded before the style is painted (a classic script, not a module), so that the chosen theme never flashes.
// Absent choice: the system's.
try {
  const theme = localStorage.getItem('forge.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch { /* storage may be forbidden; the system's theme it is */ }
