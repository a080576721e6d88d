"use strict";
// Filters, search and links into the ledger. The state lives in the URL's hash: #verdict=fails&source=dlhw2&find=gain
{
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const claims = all("details.claim");
  const groups = all("section.source");
  const chips = all("button.chip");
  const find = document.getElementById("find");
  const shown = document.getElementById("shown");
  const kinds = ["verdict", "source"];
  const chosen = { verdict: new Set(), source: new Set() };
  const texts = new Map(claims.map((claim) => [claim, claim.textContent.toLowerCase()]));

  const words = () => find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const passes = (claim, except) =>
    kinds.every((kind) => kind === except || !chosen[kind].size || chosen[kind].has(claim.dataset[kind])) &&
    words().every((word) => texts.get(claim).includes(word));

  const show = () => {
    for (const claim of claims) claim.hidden = !passes(claim);
    for (const group of groups) group.hidden = !group.querySelector("details.claim:not([hidden])");
    for (const chip of chips) {
      const { kind, value } = chip.dataset;
      const pool = claims.filter((claim) => passes(claim, kind));
      const count = value ? pool.filter((claim) => claim.dataset[kind] === value).length : pool.length;
      chip.querySelector(".count").textContent = count;
      chip.setAttribute("aria-pressed", String(value ? chosen[kind].has(value) : !chosen[kind].size));
    }
    const visible = claims.filter((claim) => !claim.hidden).length;
    shown.textContent = visible === claims.length ? `All ${visible} statements` : `${visible} of ${claims.length} statements`;
    document.getElementById("nothing").hidden = visible > 0;
    document.getElementById("clear").hidden = visible === claims.length && !find.value;
  };

  const store = () => {
    const state = new URLSearchParams();
    for (const kind of kinds) if (chosen[kind].size) state.set(kind, [...chosen[kind]].join(","));
    if (find.value) state.set("find", find.value);
    history.replaceState(null, "", `#${state.size ? state : "ledger"}`);
  };

  const reset = () => {
    for (const kind of kinds) chosen[kind].clear();
    find.value = "";
  };

  const follow = () => {
    const hash = location.hash.slice(1);
    const claim = document.getElementById(decodeURIComponent(hash));
    if (claim?.matches("details.claim")) {
      if (!passes(claim)) reset();
      show();
      claim.open = true;
      claim.scrollIntoView({ block: "center" });
      claim.querySelector("summary").focus({ preventScroll: true });
    } else if (/^(verdict|source|find)=/.test(hash)) {
      reset();
      const state = new URLSearchParams(hash);
      const known = new Set(chips.map((chip) => chip.dataset.value));
      for (const kind of kinds)
        for (const value of (state.get(kind) ?? "").split(",")) if (value && known.has(value)) chosen[kind].add(value);
      find.value = state.get("find") ?? "";
      show();
      document.getElementById("claims").scrollIntoView();
    } else show();
  };

  for (const chip of chips)
    chip.addEventListener("click", () => {
      const { kind, value } = chip.dataset;
      if (!value) chosen[kind].clear();
      else if (!chosen[kind].delete(value)) chosen[kind].add(value);
      show();
      store();
    });
  find.addEventListener("input", () => (show(), store()));
  document.getElementById("clear").addEventListener("click", () => (reset(), show(), store(), find.focus()));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.target.matches("input")) {
      event.preventDefault();
      find.focus();
    } else if (event.key === "Escape" && event.target === find) (find.value = ""), show(), store();
  });

  const expand = document.getElementById("expand");
  expand.addEventListener("click", () => {
    const open = expand.getAttribute("aria-pressed") !== "true";
    for (const claim of claims) if (!claim.hidden || !open) claim.open = open;
    expand.setAttribute("aria-pressed", String(open));
  });

  // On paper nothing can be opened, so everything that is shown is open.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = claims.filter((claim) => !claim.open && !claim.hidden);
    for (const claim of closed) claim.open = true;
  });
  addEventListener("afterprint", () => { for (const claim of closed) claim.open = false; });

  addEventListener("hashchange", follow);
  follow();
}
