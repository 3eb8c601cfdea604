"""What lies on the controller: the lab's folder `.lab/<id>/`, its keys, passwords, and moving them to another one."""
