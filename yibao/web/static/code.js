/* The live code: counts down and fetches the next one. ES5, so that old phones run it; without it the page reloads by itself. */
(function () {
  'use strict';
  var box = document.getElementById('code');
  if (!box) { return; }
  var clock = document.getElementById('code-clock');
  var left = parseInt(box.getAttribute('data-seconds'), 10);

  function show(answer) {
    document.getElementById('code-qr').src = answer.qr;
    document.getElementById('code-bar').src = answer.bar;
    document.getElementById('code-digits').textContent = answer.digits;
    left = answer.seconds;
    clock.textContent = left + ' 秒后自动更新';
  }

  function fetchNext() {
    var request = new XMLHttpRequest();
    request.open('GET', box.getAttribute('data-next') || '/code/next');
    request.timeout = 8000;
    request.onload = function () {
      if (request.status === 200) { show(JSON.parse(request.responseText)); } else { window.location.reload(); }
    };
    request.onerror = request.ontimeout = function () { clock.textContent = '网络不通，医保码暂未更新，正在重试'; left = 3; };
    request.send();
  }

  document.getElementById('code-refresh').addEventListener('click', function (event) { event.preventDefault(); fetchNext(); });
  window.setInterval(function () {
    if (document.hidden) { return; }
    left -= 1;
    if (left > 0) { clock.textContent = left + ' 秒后自动更新'; } else if (left === 0) { fetchNext(); } else if (left < -9) { left = 1; }
  }, 1000);
  document.addEventListener('visibilitychange', function () { if (!document.hidden) { fetchNext(); } });
}());
