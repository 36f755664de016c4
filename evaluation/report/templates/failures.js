// Filters of the failure gallery. Without this script every picture is simply shown.
// The filters stand in the address, as #model=...&sort=..., so that a view can be linked to.
(() => {
  "use strict";
  const FIRST = 24;
  const form = document.getElementById("failure-filters");
  const list = document.getElementById("failure-list");
  const count = document.getElementById("failure-count");
  const none = document.getElementById("failure-none");
  const figures = Array.from(list.querySelectorAll("figure"));
  const fields = Array.from(form.elements).filter((field) => field.name);
  const defaults = new Map(fields.map((field) => [field.name, field.value]));
  const number = (text) => (text === "" ? NaN : Number(text));
  const value = (name) => form.elements.namedItem(name).value;

  const within = (name, figure) => {
    const [from, to] = [number(value(`${name}-from`)), number(value(`${name}-to`))];
    if (Number.isNaN(from) && Number.isNaN(to)) return true;
    const found = number(figure.dataset[name]);
    return !Number.isNaN(found) && !(found < from) && !(found > to);
  };

  const fits = (figure) => {
    const state = value("state");
    return (
      (!value("model") || figure.dataset.model === value("model")) &&
      (!value("target") || figure.dataset.target === value("target")) &&
      (!state || Number(figure.getAttribute(`data-${state}`)) >= Number(value("share"))) &&
      within("hardness", figure) &&
      within("error", figure)
    );
  };

  const ranks = {
    "": (figure) => -Number(figure.dataset.error),
    smallest: (figure) => Number(figure.dataset.error),
    hardest: (figure) => (figure.dataset.hardness === "" ? 1 : -Number(figure.dataset.hardness)),
  };

  const show = () => {
    const rank = ranks[value("sort")] ?? ranks[""];
    const found = figures.filter(fits).sort((one, other) => rank(one) - rank(other));
    const shown = value("show") === "all" ? found : found.slice(0, FIRST);
    for (const figure of figures) figure.hidden = true;
    for (const figure of shown) {
      figure.hidden = false;
      list.append(figure);
    }
    none.hidden = found.length > 0;
    const fitting = found.length === figures.length ? "" : `, ${found.length} fit`;
    count.textContent = `${shown.length} of ${figures.length} shown${fitting}`;
  };

  const remember = () => {
    const address = new URLSearchParams();
    for (const field of fields) {
      if (field.value !== defaults.get(field.name)) address.set(field.name, field.value);
    }
    const text = address.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  };

  const recall = () => {
    const address = new URLSearchParams(location.hash.slice(1));
    const named = fields.filter((field) => address.has(field.name));
    // A link to a section says nothing of filters.
    if (location.hash && !named.length) return false;
    for (const field of fields) {
      field.value = address.get(field.name) ?? defaults.get(field.name);
      // A select that has no such option is left without any.
      if (field.selectedIndex === -1) field.value = defaults.get(field.name);
    }
    return named.length > 0;
  };

  const change = () => {
    remember();
    show();
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", change);
  // The fields have their defaults only after the event.
  form.addEventListener("reset", () => setTimeout(change));
  window.addEventListener("hashchange", () => {
    recall();
    show();
  });
  form.hidden = false;
  const linked = recall();
  show();
  if (linked) form.scrollIntoView({ behavior: "instant" });
})();
