# shellcheck shell=bash
# Written by Ansible (role kubeconfig): `k` for kubectl, and completion for both, where somebody types into bash.
case "${BASH_VERSION:+bash} $-" in
  bash*i*)
    if command -v kubectl > /dev/null; then
      eval "$(kubectl completion bash)"
      alias k=kubectl
      complete -o default -F __start_kubectl k
    fi
    ;;
esac
