"""The cluster, made by Ansible on the bootstrap server: its files, its runs, what is and what is missing."""
