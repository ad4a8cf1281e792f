/* From an old iPhone's home screen a link would open Safari, where nobody is signed in; this keeps it in the window. ES5. */
(function () {
  'use strict';
  if (!window.navigator.standalone) { return; }
  document.addEventListener('click', function (event) {
    var link = event.target;
    while (link && link.nodeName !== 'A') { link = link.parentNode; }
    if (!link || link.target || link.protocol !== window.location.protocol || link.host !== window.location.host) { return; }
    if (link.hash && link.pathname === window.location.pathname && link.search === window.location.search) { return; }
    event.preventDefault();
    window.location.href = link.href;
  });
}());
