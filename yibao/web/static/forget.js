/* Forgets offline codes, which the server refuses anyway: all of them where somebody signs out or was signed out, one's
   own where it was unbound. ES5. */
(function () {
  'use strict';
  function forget(kind) {
    try {
      Object.keys(window.localStorage).forEach(function (name) {
        if (name.indexOf(kind) === 0) { window.localStorage.removeItem(name); }
      });
    } catch (closed) { /* A browser that keeps nothing has nothing to forget. */ }
  }
  function all() { forget('yb_offline:'); }
  var leave = document.getElementById('leave');
  if (leave) { leave.addEventListener('submit', all); } else if (document.getElementById('unbound')) { forget('yb_offline:/code'); } else { all(); }
}());
