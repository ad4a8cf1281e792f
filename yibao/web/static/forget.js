/* Forgets the offline codes of whoever signs out here, or was signed out; the server refuses them anyway. ES5. */
(function () {
  'use strict';
  function forget() {
    try {
      Object.keys(window.localStorage).forEach(function (name) {
        if (name.indexOf('yb_offline:') === 0) { window.localStorage.removeItem(name); }
      });
    } catch (closed) { /* A browser that keeps nothing has nothing to forget. */ }
  }
  var leave = document.getElementById('leave');
  if (leave) { leave.addEventListener('submit', forget); } else { forget(); }
}());
