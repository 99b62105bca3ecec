# What `vflag apply` wrote outside of the package is undone, while the program is still there.
vflag uninstall || true

# Not at the next boot any more. Nothing is stopped but the timer that would start a program that is gone: virtual functions, LAG
# and guests stay as they are.
if [ -d /run/systemd/system ]; then
  systemctl --quiet stop vflag-verify.timer || true
  systemctl --quiet --no-reload disable @UNITS@ || true
fi
