# Links that enabled the units, where systemd could not be asked to remove them.
for unit in @UNITS@; do
  rm -f "/etc/systemd/system/"*".wants/$unit" "/etc/systemd/system/"*".requires/$unit"
done
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
