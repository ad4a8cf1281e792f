/* Sorts institutions by where the phone is, only when asked, and keeps nothing. ES5; without it a district is chosen. */
(function () {
  'use strict';
  var button = document.getElementById('near');
  var note = document.getElementById('near-note');
  if (!button || !navigator.geolocation) { return; }
  button.hidden = false;

  function found(position) {
    document.getElementById('near-lat').value = position.coords.latitude.toFixed(3);
    document.getElementById('near-lng').value = position.coords.longitude.toFixed(3);
    document.getElementById('near-form').submit();
  }

  function failed(error) {
    note.textContent = error.code === 1
      ? '没有得到定位权限。可以在浏览器设置里允许，或在上面选城市和地区。'
      : '暂时定不了位。请到窗边或室外再试，或在上面选城市和地区。';
  }

  button.addEventListener('click', function () {
    note.textContent = '正在定位……';
    navigator.geolocation.getCurrentPosition(found, failed, { timeout: 10000, maximumAge: 60000 });
  });
}());
