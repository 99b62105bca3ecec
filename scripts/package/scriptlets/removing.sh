# HOOK: what `vflag apply` wrote outside of the package is undone here, while the program is still there.
# Nothing of it may fail the removal.
:

# Not at the next boot any more. Nothing is stopped: virtual functions, LAG and guests stay as they are.
if [ -d /run/systemd/system ]; then
  systemctl --quiet --no-reload disable @UNITS@ || true
fi
