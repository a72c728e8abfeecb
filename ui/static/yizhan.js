/* Everything works without this file. It keeps half-typed pinyin from being searched, tells when the
   node does not answer, and prints on request. No eval, no storage. */
(function () {
  "use strict";
  document.addEventListener("input", function (event) {
    // htmx filters need eval, which the CSP forbids: stop composing input before htmx sees it.
    if (event.isComposing && event.target.hasAttribute && event.target.hasAttribute("data-ime")) {
      event.stopImmediatePropagation();
    }
  }, true);
  function silent() {
    var badge = document.getElementById("badge");
    if (!badge) { return; }
    badge.className = "yz-badge yz-badge-bad";
    badge.textContent = "✕ 本站程序没有应答";
  }
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.xhr.status === 401) { event.detail.shouldSwap = true; event.detail.isError = false; }
  });
  document.addEventListener("htmx:sendError", silent);
  document.addEventListener("htmx:responseError", function (event) {
    if (event.detail.xhr.status >= 500) { silent(); }
  });
  document.addEventListener("click", function (event) {
    var target = event.target.closest && event.target.closest("[data-print]");
    if (target) { event.preventDefault(); window.print(); }
  });
  // The page after an intake prints at once, but not again when reloaded or come back to.
  var entry = window.performance.getEntriesByType("navigation")[0];
  if (document.querySelector("[data-print-now]") && entry && entry.type === "navigate") {
    window.addEventListener("load", function () { window.print(); });
  }
  document.addEventListener("keydown", function (event) {
    if (event.isComposing || event.keyCode === 229) { return; }
    var box = document.getElementById("q");
    if (box && event.key === "F2") { event.preventDefault(); box.focus(); box.select(); }
    if (event.ctrlKey && event.key === "Enter") {
      var main = document.querySelector("[data-main]");
      if (main) { event.preventDefault(); main.click(); }
    }
  });
})();
