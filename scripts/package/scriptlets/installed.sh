# systemd learns of the units. They stay disabled until `vflag apply` enables them, and on an upgrade as they are.
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
